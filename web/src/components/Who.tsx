import { useSession, useSignOut } from "../api/queries";
import { Link } from "./Link";

/** Says who is signed in, leads an admin to the tokens, and signs out. Where no login is needed there is nobody to
    name. */
export function Who() {
  const who = useSession().data;
  const signOut = useSignOut();
  if (!who) return null;
  const tokens = who.role === "admin" && (
    <Link to="/tokens" className="who-link">
      Tokens
    </Link>
  );
  if (who.by === "loopback") return <span className="who">{tokens}</span>;
  return (
    <span className="who">
      <span className="who-name" title={`${who.user}, ${who.role}`}>
        {who.user}
        {who.role === "user" ? "" : ` (${who.role})`}
      </span>
      {tokens}
      <button className="link" onClick={() => signOut.mutate()} disabled={signOut.isPending}>
        Sign out
      </button>
    </span>
  );
}
