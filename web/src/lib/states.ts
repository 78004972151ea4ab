/* States of a job. */

/** Whether a job that is so comes to nothing further by itself. */
export const hasEnded = (state: string) => ["succeeded", "failed", "cancelled"].includes(state);
