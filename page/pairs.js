// Pairs as people write them: one key=value a line.

export const readPairs = (text) =>
  Object.fromEntries(text.split("\n").map((line) => line.split(/=(.*)/s, 2).map((part) => part.trim())).filter(([key, value]) => key && value));

export const writePairs = (pairs) => Object.entries(pairs).map(([key, value]) => `${key}=${value}`).join("\n");
