/**
 * Text in another encoding → UTF-8 for the readers, piece by piece, and from a place in that back to the place in the file: cursors are offsets in
 * the file, so that a window begins where the one before has ended, whoever reads it. What is no text becomes a byte that is not UTF-8: the
 * row is then invalid, as it would be in a UTF-8 file. Memory: the pieces that the reader has not done with.
 */

/** In UTF-8 it stands for nothing. */
const NO_TEXT = Buffer.from([0xff]);
const REPLACEMENT = Buffer.from('\ufffd');
/** Below this no byte is part of a longer character, in any encoding that is read. */
const FIRST_TRAIL_BYTE = 0x30;
/** A piece without such a byte is cut all the same: it is in the middle of a record that is far too long. */
const LONGEST_CHARACTERLESS_BYTES = 2 * 1024 * 1024;

interface Piece {
  readonly bytes: Buffer;
  /** Offset of its text among all UTF-8 bytes handed out. */
  readonly textStart: number;
  readonly textLength: number;
}

export class Transcoder {
  readonly encoding: string;
  readonly #decode: (bytes: Buffer) => Buffer;
  readonly #wholeCharacters: (bytes: Buffer) => number;
  #rest: Buffer = Buffer.alloc(0);
  #pieces: Piece[] = [];
  /** Of the first piece, in the file. */
  #fileOffset: number;
  #textLength = 0;

  /** `encoding`: as TextDecoder names it. `fileOffset`: where the first piece begins, at the start of a character. */
  constructor(encoding: string, fileOffset: number) {
    this.encoding = encoding;
    this.#fileOffset = fileOffset;
    const isUtf16 = encoding === 'utf-16le' || encoding === 'utf-16be';
    this.#decode = isUtf16 ? utf16Decoder(encoding) : byteDecoder(encoding);
    this.#wholeCharacters = isUtf16 ? wholeUtf16(encoding) : isSingleByte(encoding) ? all : wholeMultiByte;
  }

  /** The UTF-8 of all whole characters so far that were not handed out before. */
  feed(piece: Buffer, final: boolean): Buffer {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const whole = final ? bytes.length : this.#wholeCharacters(bytes);
    this.#rest = bytes.subarray(whole);
    if (whole === 0) return NO_BYTES;
    const taken = bytes.subarray(0, whole);
    const text = this.#decode(taken);
    this.#pieces.push({ bytes: taken, textStart: this.#textLength, textLength: text.length });
    this.#textLength += text.length;
    return text;
  }

  /** Text before this is not asked for any more. */
  release(textOffset: number): void {
    let [first] = this.#pieces;
    while (first !== undefined && first.textStart + first.textLength <= textOffset) {
      this.#fileOffset += first.bytes.length;
      this.#pieces.shift();
      [first] = this.#pieces;
    }
  }

  /** The place in the file of a row's start in the UTF-8 handed out. */
  fileOffsetOf(textOffset: number): number {
    this.release(textOffset);
    const [first] = this.#pieces;
    return first === undefined
      ? this.#fileOffset
      : this.#fileOffset + this.#bytesOf(first, textOffset - first.textStart);
  }

  /** How many bytes of a piece make so much text: found by halving, for no encoding says. Asked once a window. */
  #bytesOf({ bytes }: Piece, textLength: number): number {
    let low = 0;
    let high = bytes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const whole = this.#wholeCharacters(bytes.subarray(0, middle));
      if (this.#decode(bytes.subarray(0, whole)).length >= textLength) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

const NO_BYTES: Buffer = Buffer.alloc(0);
const all = (bytes: Buffer): number => bytes.length;

function wholeUtf16(encoding: string): (bytes: Buffer) => number {
  const highByte = encoding === 'utf-16le' ? 1 : 2;
  return (bytes) => {
    const even = bytes.length & ~1;
    // The first half of a pair waits for the second one.
    return even > 0 && (bytes[even - highByte]! & 0xfc) === 0xd8 ? even - 2 : even;
  };
}

function wholeMultiByte(bytes: Buffer): number {
  for (let at = bytes.length - 1; at >= 0; at--) if (bytes[at]! < FIRST_TRAIL_BYTE) return at + 1;
  return bytes.length > LONGEST_CHARACTERLESS_BYTES ? bytes.length : 0;
}

/** Halves of characters that stand alone are no text. (An odd byte at the end of the file is none, either.) */
function utf16Decoder(encoding: string): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const even = bytes.length & ~1;
    const littleEndian =
      encoding === 'utf-16le' ? bytes.subarray(0, even) : Buffer.from(bytes.subarray(0, even)).swap16();
    const text = littleEndian.toString('utf16le');
    if (even === bytes.length && !LONE_SURROGATE.test(text)) return Buffer.from(text);
    const parts = text
      .split(LONE_SURROGATE)
      .flatMap((part, at) => (at === 0 ? [Buffer.from(part)] : [NO_TEXT, Buffer.from(part)]));
    return Buffer.concat(even === bytes.length ? parts : [...parts, NO_TEXT]);
  };
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function byteDecoder(encoding: string): (bytes: Buffer) => Buffer {
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  return (bytes) => {
    const text = decoder.decode(bytes);
    const utf8 = Buffer.from(encoding === 'windows-1252' ? mendWindows1252(text) : text);
    return utf8.includes(REPLACEMENT) ? withoutReplacements(utf8) : utf8;
  };
}

/** A replacement is what the decoder puts where there is no character. */
function withoutReplacements(utf8: Buffer): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = utf8.indexOf(REPLACEMENT); at !== -1; at = utf8.indexOf(REPLACEMENT, from)) {
    parts.push(utf8.subarray(from, at), NO_TEXT);
    from = at + REPLACEMENT.length;
  }
  return Buffer.concat([...parts, utf8.subarray(from)]);
}

/** 0x80 … 0x9f by the Encoding Standard; some releases of Node (20.19 among them) read them as ISO-8859-1. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';
const mendWindows1252 = (text: string): string =>
  text.replace(/[\u0080-\u009f]/g, (control) => WINDOWS_1252[control.charCodeAt(0) - 0x80]!);

/** Each byte is a character, whatever stands beside it. */
const isSingleByte = (encoding: string): boolean => !/^(gbk|gb18030|big5|euc-|shift_jis)/.test(encoding);
