/**
 * JSON has one kind of number: 3466 and 3466.0 are the same, and what a schema calls an integer may be written either way (JSON Schema 2020-12,
 * "integer"). The rows of files want it plain; who posts need not know what his library writes. Pure.
 */

const STRING_OR_NUMBER = /("(?:[^"\\]|\\.)*")|-?\d[\d.eE+-]*/gs;
const NUMBER = /^-?(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i;

/** The same JSON text, with whole numbers as plain digits: 3.466e3 as 3466, also -0 as 0. What is not whole, or is not safe as a number, stays. */
export function withPlainWholeNumbers(text: string): string {
  if (!/\d[.eE]|-0/.test(text)) return text;
  return text.replace(STRING_OR_NUMBER, (token, quoted: string | undefined) =>
    quoted === undefined && isWhole(token) ? String(Number(token) + 0) : token,
  );
}

/** By its digits: what JSON.parse would round to a whole number is none. */
function isWhole(token: string): boolean {
  const [matched, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(token) ?? [];
  if (matched === undefined || !Number.isSafeInteger(Number(token))) return false;
  const digits = whole + fraction;
  const trailingZeros = digits.length - digits.replace(/0+$/, '').length;
  return trailingZeros === digits.length || fraction.length - Number(exponent) <= trailingZeros;
}
