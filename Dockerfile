# One image for migrate, api and worker: docker-compose.yml says which of them a container is.
FROM node:22-bookworm-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM python:3.12-slim-bookworm
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
RUN pip install --no-deps --no-build-isolation . \
    && useradd --create-home --uid 10001 colrow \
    && install -d -o colrow /var/lib/colrow /var/lib/colrow/datasets
USER 10001
VOLUME /var/lib/colrow
ENTRYPOINT ["colrow"]
CMD ["--help"]
