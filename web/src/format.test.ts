import { describe, expect, it } from 'vitest'
import { ago, bytes, csv, csvCell, duration, shell, utcTime } from './format'

describe('format', () => {
  it('says ages', () => {
    const now = Date.parse('2026-11-27T10:00:00Z')
    expect(ago('2026-11-27T09:59:55Z', now)).toBe('just now')
    expect(ago('2026-11-27T09:57:00Z', now)).toBe('3 minutes ago')
    expect(ago('2026-11-29T10:00:00Z', now)).toBe('in 2 days')
    expect(ago('not a time', now)).toBe('not a time')
  })
  it('says times in UTC', () => {
    expect(utcTime('2026-11-27T11:00:00.25+01:00')).toBe('2026-11-27 10:00:00 UTC')
  })
  it('says sizes and durations', () => {
    expect(bytes(1023)).toBe('1023 B')
    expect(bytes(1536)).toBe('1.50 KiB')
    expect(bytes(512e9)).toBe('477 GiB')
    expect(duration(250)).toBe('250 ms')
    expect(duration(7_500_000)).toBe('2 h 5 min')
  })
  it('quotes for a shell', () => {
    expect(shell('demo')).toBe('demo')
    expect(shell("a'b $(x)")).toBe(`'a'\\''b $(x)'`)
    expect(shell('')).toBe("''")
  })
  it('writes cells that no spreadsheet runs', () => {
    expect(csvCell('=HYPERLINK("x")')).toBe(`"'=HYPERLINK(""x"")"`)
    expect(csvCell('-5')).toBe('-5')
    expect(csvCell(undefined)).toBe('')
    expect(csv([['a', 'b,c'], [1, 'x\ny']])).toBe('a,"b,c"\r\n1,"x\ny"\r\n')
  })
})
