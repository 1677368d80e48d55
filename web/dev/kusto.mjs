// What the build changes in Kusto's language service, and stops at when it is no longer there.

const change = (name, file, wanted, n, to, before = '') => ({
  name,
  transform(code, id) {
    if (!id.split('?')[0].endsWith(`monaco-kusto/release/esm/${file}`)) return undefined
    const found = code.match(wanted)?.length ?? 0
    if (found !== n) throw new Error(`${name}: ${file} has ${found} places, not ${n}: look at dev/kusto.mjs`)
    return { code: before + code.replace(wanted, to), map: null }
  },
})

/** With each of its own marks it wipes every red line from the text, also those of the plane. */
export const keepMarks = () =>
  change('pgkeep-keep-marks', 'languageFeatures.js',
    /model\.deltaDecorations\(oldDecorations, \[\]\);(?=\s+_this\._monacoInstance\.editor\.setModelMarkers\(model, languageId, markers\))/g,
    1, '')

/** It marks the lines around the cursor as what would run; here all runs, or what is selected. */
export const noBlock = () =>
  change('pgkeep-no-block', 'commandHighlighter.js', /'selectionHighlight'/g, 1, "'kusto-block'")

const JOIN = `
const pgkeepJoin = (text) => text.replace(/\\n(?:[^\\S\\n]*\\n)+/g, (lines) => '\\n' + ' '.repeat(lines.length - 1));
`
/** It takes an empty line for the end of a query; the plane runs the text as one. Lengths stay. */
export const oneQuery = () =>
  change('pgkeep-one-query', 'kusto.worker.js',
    /(?<=(?:CodeScript\.From\$1|WithText)\()document\.getText\(\)/g, 4, 'pgkeepJoin(document.getText())', JOIN)
