// The editor of a query: completion and hover from the live schema, marks of what the plane would
// refuse. It imports nothing of the frame, so that its size is its own and the first page's stays.
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react'
import type { LogsCheck, LogsDiagnostic, LogsTable } from '../../../api/types'
import { unitsOf } from '../offsets'
import './kql.css'
import { LANGUAGE, monaco, setSchema, themes } from './monaco'

/** So long nothing is typed before the plane is asked. */
const CHECK_AFTER_MS = 400
/** Marks of the plane. Those of the language service have its language as their owner. */
const OWNER = 'pgkeep'

export interface KqlHandle {
  /** What is selected, or the whole text. */
  wanted: () => string
  insert: (text: string) => void
  format: () => void
}

export interface KqlEditorProps {
  ref?: Ref<KqlHandle>
  value: string
  onChange: (value: string) => void
  onRun: () => void
  /** Asks the plane what it makes of a text. */
  check: (query: string, signal: AbortSignal) => Promise<LogsCheck>
  theme: keyof typeof themes
  tables: readonly LogsTable[] | undefined
}

const options: monaco.editor.IStandaloneEditorConstructionOptions = {
  language: LANGUAGE,
  automaticLayout: true,
  minimap: { enabled: false },
  scrollBeyondLastLine: false,
  fixedOverflowWidgets: true,
  lineNumbersMinChars: 3,
  fontSize: 13,
  padding: { top: 8, bottom: 8 },
  renderLineHighlight: 'line',
  wordWrap: 'on',
  tabSize: 2,
  suggest: { showWords: false },
  wordBasedSuggestions: 'off',
  'semanticHighlighting.enabled': true,
  scrollbar: { alwaysConsumeMouseWheel: false },
  ariaLabel: 'Query in KQL. Shift and Enter runs it; Ctrl and M lets the Tab key leave the editor.',
}

const severities: Record<string, monaco.MarkerSeverity> = {
  error: monaco.MarkerSeverity.Error,
  warning: monaco.MarkerSeverity.Warning,
  information: monaco.MarkerSeverity.Info,
}

/** The plane's marks at their places; an empty one takes the character beside it, so that it is seen. */
const markersOf = (model: monaco.editor.ITextModel, text: string, all: readonly LogsDiagnostic[]) => {
  const units = unitsOf(text, all.flatMap(({ start, end }) => [start, end]))
  return all.map((d, i): monaco.editor.IMarkerData => {
    let [from, to] = [units[2 * i] ?? 0, units[2 * i + 1] ?? 0]
    if (to <= from) [from, to] = from < text.length ? [from, from + 1] : [Math.max(0, from - 1), from]
    const [start, end] = [model.getPositionAt(from), model.getPositionAt(to)]
    return {
      severity: severities[d.severity] ?? monaco.MarkerSeverity.Error,
      message: d.message,
      code: d.code,
      source: 'pgkeep',
      startLineNumber: start.lineNumber,
      startColumn: start.column,
      endLineNumber: end.lineNumber,
      endColumn: end.column,
    }
  })
}

/**
 * Asks the plane what it makes of the text, some time after the last key. Its answer stands for
 * what it would run: where there is one, the marks of the language service go.
 */
const watchText = (model: monaco.editor.ITextModel, check: KqlEditorProps['check']) => {
  let timer: number | undefined
  let asked: AbortController | undefined
  let judged = -1
  const quiet = () => {
    if (judged !== model.getVersionId()) return
    if (monaco.editor.getModelMarkers({ resource: model.uri, owner: LANGUAGE }).length)
      monaco.editor.setModelMarkers(model, LANGUAGE, [])
  }
  const ask = async () => {
    asked?.abort()
    const mine = new AbortController()
    asked = mine
    const [version, text] = [model.getVersionId(), model.getValue()]
    try {
      const found = text.trim() ? await check(text, mine.signal) : { diagnostics: [] }
      if (mine.signal.aborted || model.isDisposed() || version !== model.getVersionId()) return
      judged = version
      monaco.editor.setModelMarkers(model, OWNER, markersOf(model, text, found.diagnostics))
      quiet()
    } catch {
      // No answer: the language service's own marks stay, and running says what is wrong.
      if (!mine.signal.aborted && !model.isDisposed()) monaco.editor.setModelMarkers(model, OWNER, [])
    }
  }
  const later = () => {
    window.clearTimeout(timer)
    timer = window.setTimeout(() => void ask(), CHECK_AFTER_MS)
  }
  const listeners = [
    model.onDidChangeContent(later),
    monaco.editor.onDidChangeMarkers((of) => {
      if (of.some((uri) => uri.toString() === model.uri.toString())) quiet()
    }),
  ]
  later()
  return () => {
    window.clearTimeout(timer)
    asked?.abort()
    for (const one of listeners) one.dispose()
  }
}

export default function KqlEditor({ ref, value, onChange, onRun, check, theme, tables }: KqlEditorProps) {
  const place = useRef<HTMLDivElement>(null)
  const editor = useRef<monaco.editor.IStandaloneCodeEditor>(undefined)
  const calls = useRef({ onChange, onRun })
  calls.current = { onChange, onRun }

  useEffect(() => {
    if (!place.current) return
    const model = monaco.editor.createModel(value, LANGUAGE)
    model.setEOL(monaco.editor.EndOfLineSequence.LF)
    const made = monaco.editor.create(place.current, { ...options, model, theme: themes[theme] })
    editor.current = made
    const forget = watchText(model, check)
    made.onDidChangeModelContent(() => calls.current.onChange(model.getValue()))
    made.addAction({
      id: 'pgkeep.run',
      label: 'Run the query',
      keybindings: [monaco.KeyMod.Shift | monaco.KeyCode.Enter, monaco.KeyMod.CtrlCmd | monaco.KeyCode.Enter],
      contextMenuGroupId: '1_run',
      run: () => calls.current.onRun(),
    })
    return () => {
      forget()
      editor.current = undefined
      made.dispose()
      model.dispose()
    }
    // The text and the theme of later are set below, on the editor that is there.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [])

  useEffect(() => {
    const model = editor.current?.getModel()
    if (model && model.getValue() !== value) {
      // As an edit, so that it can be undone.
      editor.current?.executeEdits('pgkeep', [{ range: model.getFullModelRange(), text: value }])
      editor.current?.pushUndoStop()
    }
  }, [value])
  useEffect(() => monaco.editor.setTheme(themes[theme]), [theme])
  useEffect(() => {
    const model = editor.current?.getModel()
    if (model && tables) void setSchema(model, tables)
  }, [tables])

  useImperativeHandle(ref, () => ({
    wanted: () => {
      const [model, selection] = [editor.current?.getModel(), editor.current?.getSelection()]
      if (!model) return value
      const chosen = selection && !selection.isEmpty() ? model.getValueInRange(selection) : ''
      return chosen.trim() ? chosen : model.getValue()
    },
    insert: (text) => {
      const selection = editor.current?.getSelection()
      if (!selection) return
      editor.current?.executeEdits('pgkeep', [{ range: selection, text, forceMoveMarkers: true }])
      editor.current?.focus()
    },
    format: () => {
      editor.current?.focus()
      void editor.current?.getAction('editor.action.formatDocument')?.run()
    },
  }), [value])

  return <div ref={place} className="kql-editor" data-testid="kql-editor" />
}
