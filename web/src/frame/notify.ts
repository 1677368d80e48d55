// What happened: shown for a moment as a toast, kept in a list until the tab closes.
import type { Path } from '../paths'
import { faultOf } from '../api/client'
import { sentences } from '../format'
import { store } from './store'

export type Intent = 'info' | 'success' | 'warning' | 'error'

export interface Note {
  id: number
  at: string
  intent: Intent
  title: string
  detail?: string | undefined
  link?: Path | undefined
  read: boolean
}

const KEPT_MOST = 100
let last = 0
export const notes = store<Note[]>([])

export const notify = (intent: Intent, title: string, detail?: string, link?: Path) => {
  last += 1
  const note: Note = { id: last, at: new Date().toISOString(), intent, title, detail, link, read: false }
  notes.set((now) => [note, ...now].slice(0, KEPT_MOST))
}

/** Says what failed in the API's words. */
export const notifyFault = (title: string, error: unknown) => {
  const fault = faultOf(error)
  notify('error', title, sentences(fault.message, fault.detail, fault.hint))
}

export const markRead = () => notes.set((now) => now.map((note) => ({ ...note, read: true })))
export const clearNotes = () => notes.set([])
