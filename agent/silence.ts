/** Milliseconds. A portal and its agents hear of each other several times in this time; who was silent for so long counts as gone. */
export const silentMs = 60_000;
