# One image for migrate, api, notifier and worker: docker-compose.yml says which a container is.
FROM node:22-bookworm-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM python:3.12-slim-bookworm
# Where pip looks besides PyPI: docker-compose.cpu.yml names the index of builds without CUDA.
ARG PIP_EXTRA_INDEX_URL=
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /opt/colrow
COPY requirements.lock ./
RUN pip install --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY api ./api
COPY worker ./worker
COPY crs_core ./crs_core
COPY store ./store
COPY colrow ./colrow
COPY migrations ./migrations
COPY --from=page /src/api/static ./api/static
# Whoever runs here may write to /var/lib/colrow, and to nothing that Python imports.
RUN pip install --no-deps --no-build-isolation . \
    && useradd --no-log-init --create-home --uid 10001 colrow \
    && install -d -o colrow -g colrow /var/lib/colrow /var/lib/colrow/datasets
USER 10001
VOLUME /var/lib/colrow
EXPOSE 8750
ENTRYPOINT ["colrow"]
CMD ["--help"]
