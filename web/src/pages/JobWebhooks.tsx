/* Whom a job tells of its end, and what became of the messages. */

import { useState } from "react";

import type { Schemas } from "../api/client";
import { useAddWebhook, useRemoveWebhook, useWebhooks } from "../api/records";
import { Confirm } from "../components/Confirm";
import { Secret } from "../components/Secret";
import { Loading, PartFailed } from "../components/States";
import { ago, several, soon } from "../lib/format";

type Delivery = Schemas["Delivery"];

/** `whyNot`: why the reader may not see or change them; "" if they may. */
export function Webhooks({ id, whyNot }: { id: string; whyNot: string }) {
  const webhooks = useWebhooks(id, !whyNot);
  const items = webhooks.data?.items ?? [];
  return (
    <section aria-labelledby="webhooks">
      <h2 id="webhooks" className="section">
        Webhooks
      </h2>
      {whyNot ? (
        <p className="quiet">Addresses may be secrets, so only a job's owner and admins see them. {whyNot}</p>
      ) : (
        <>
          {webhooks.isPending && <Loading what="the webhooks" />}
          {webhooks.isError && <PartFailed error={webhooks.error} />}
          {webhooks.data && items.length === 0 && <p className="quiet">Nobody is told when this job ends.</p>}
          {items.length > 0 && (
            <div className="card table">
              <table>
                <thead>
                  <tr>
                    <th>Address</th>
                    <th>Messages</th>
                    <th>Entered</th>
                    <th>
                      <span className="visually-hidden">Remove</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((webhook) => (
                    <Entered key={webhook.id} job={id} webhook={webhook} />
                  ))}
                </tbody>
              </table>
            </div>
          )}
          <Add id={id} />
        </>
      )}
    </section>
  );
}

function Entered({ job, webhook }: { job: string; webhook: Schemas["Webhook"] }) {
  const remove = useRemoveWebhook(job);
  return (
    <tr>
      <td>
        <code>{webhook.url}</code>
      </td>
      <td>
        {webhook.deliveries.length === 0 && <span className="quiet">none yet; one is sent when the job ends</span>}
        {webhook.deliveries.map((delivery) => (
          <p key={delivery.id}>
            <span className={`badge delivery-${delivery.state}`}>{delivery.state.replaceAll("_", " ")}</span>{" "}
            {delivery.event} <span className="quiet">{fateOf(delivery)}</span>
          </p>
        ))}
      </td>
      <td title={new Date(webhook.created_at).toLocaleString()}>{ago(webhook.created_at)}</td>
      <td className="number">
        <Confirm
          ask="Remove"
          question="Tell this address nothing more?"
          act="Remove it"
          isPending={remove.isPending}
          onAct={() => remove.mutate(webhook.id)}
        />
        {remove.isError && <p className="field-error">{remove.error.message}</p>}
      </td>
    </tr>
  );
}

/** Tries, what was answered, and when the next one is. */
function fateOf({ tries, last_error, last_status, next_at, ended_at }: Delivery): string {
  return [
    tries > 0 ? several(tries, "try").replace("trys", "tries") : "",
    last_error ?? (last_status === null ? "" : `answered ${last_status}`),
    ended_at ? ago(ended_at) : tries > 0 && next_at ? `next ${soon(next_at)}` : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

function Add({ id }: { id: string }) {
  const [url, setUrl] = useState("");
  const add = useAddWebhook(id);
  return (
    <>
      <form
        className="inline-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (url.trim()) add.mutate(url.trim(), { onSuccess: () => setUrl("") });
        }}
      >
        <label className="pick">
          Tell this address when the job ends
          <input
            type="url"
            value={url}
            placeholder="https://…"
            autoComplete="off"
            aria-invalid={add.isError ? true : undefined}
            onChange={(event) => {
              setUrl(event.target.value);
              if (add.isError) add.reset();
            }}
          />
        </label>
        <button className="button" disabled={!url.trim() || add.isPending}>
          {add.isPending ? "Adding…" : "Add"}
        </button>
        {add.isError && (
          <p className="field-error" role="alert">
            {add.error.message}
          </p>
        )}
      </form>
      {add.data && (
        <Secret
          label="Its messages are signed with this secret"
          secret={add.data.secret}
          onDone={() => add.reset()}
        />
      )}
    </>
  );
}
