// A page that nobody looks at asks nothing: otherwise its polling would keep a session alive for ever.
import { focusManager } from '@tanstack/react-query'

const QUIET_MS = 5 * 60_000
const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'focus'] as const

/** Stops all polling after some minutes without a sign of a person, and goes on at the next one. */
export const watchIdle = (quietMs = QUIET_MS) => {
  let idle = false
  let timer: number | undefined
  const rest = () => {
    idle = true
    focusManager.setFocused(false)
  }
  const wake = () => {
    window.clearTimeout(timer)
    timer = window.setTimeout(rest, quietMs)
    if (!idle) return
    idle = false
    // Undefined: whether the tab is visible decides again.
    focusManager.setFocused(undefined)
  }
  for (const sign of SIGNS) window.addEventListener(sign, wake, { passive: true })
  wake()
}
