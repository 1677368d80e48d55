// The API counts bytes of UTF-8, the editor counts units of UTF-16.

/** Bytes that the character at a unit takes, and the units it takes. */
const step = (text: string, at: number): [bytes: number, units: number] => {
  const unit = text.charCodeAt(at)
  if (unit < 0x80) return [1, 1]
  if (unit < 0x800) return [2, 1]
  const next = text.charCodeAt(at + 1)
  const isPair = unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000
  return isPair ? [4, 2] : [3, 1]
}

/**
 * The units before which the given bytes lie, in their order. A byte inside a character counts as
 * the character's first, one behind the text as the text's end.
 */
export const unitsOf = (text: string, bytes: readonly number[]): number[] => {
  const order = bytes.map((byte, i) => ({ byte, i })).sort((a, b) => a.byte - b.byte)
  const found = new Array<number>(bytes.length).fill(text.length)
  let byte = 0
  let unit = 0
  for (const wanted of order) {
    while (unit < text.length) {
      const [nBytes, nUnits] = step(text, unit)
      if (byte + nBytes > wanted.byte) break
      byte += nBytes
      unit += nUnits
    }
    found[wanted.i] = unit
  }
  return found
}

/** How many bytes of UTF-8 a text takes. */
export const utf8Length = (text: string): number => new TextEncoder().encode(text).length
