import { useSession, useSignOut } from "../api/queries";

/** Says who is signed in, and signs out. Where no login is needed there is nobody to name. */
export function Who() {
  const who = useSession().data;
  const signOut = useSignOut();
  if (!who || who.by === "loopback") return null;
  return (
    <span className="who">
      <span className="who-name" title={`${who.user}, ${who.role}`}>
        {who.user}
        {who.role === "user" ? "" : ` (${who.role})`}
      </span>
      <button className="link" onClick={() => signOut.mutate()} disabled={signOut.isPending}>
        Sign out
      </button>
    </span>
  );
}
