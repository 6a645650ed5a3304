/** Lines that public clients take for a refusal (device CLI guide, error texts). The exact words are not documented. */
export const defaultRefusedLine = /^\s*(?:%|(?:error|invalid|unknown|unrecognized|incomplete)\b)/i;
