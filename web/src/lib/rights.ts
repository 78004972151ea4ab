/* What a user may change, and if not, why: the service decides, this only says so beforehand. */

export interface Someone {
  user: string;
  role: "viewer" | "user" | "admin";
}

/** Why someone may submit nothing; "" if they may, or nobody knows yet. */
export function whyNotSubmit(who: Someone | null | undefined): string {
  return who?.role === "viewer" ? `${who.user} is a viewer here, who looks and changes nothing.` : "";
}

/** Why someone may not change what is another's; "" if they may, or nobody knows yet. */
export function whyNotChange(who: Someone | null | undefined, owner: string): string {
  if (!who || who.role === "admin") return "";
  if (who.role === "viewer") return whyNotSubmit(who);
  return who.user === owner ? "" : `This is ${owner}'s: only ${owner} or an admin may change it.`;
}
