// The way into the command palette: a button that looks like a search box, and Ctrl+K.
import { Button, makeStyles, tokens } from '@fluentui/react-components'
import { SearchRegular } from '@fluentui/react-icons'
import { Suspense, lazy, useEffect, useState } from 'react'

const Palette = lazy(() => import('./Palette'))

const useStyles = makeStyles({
  button: {
    width: 'min(440px, 100%)', justifyContent: 'flex-start', fontWeight: tokens.fontWeightRegular,
    color: tokens.colorNeutralForeground2, minWidth: 0,
    '@media (max-width: 560px)': { width: '36px', padding: '0', justifyContent: 'center' },
  },
  text: { flexGrow: 1, textAlign: 'start', overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap',
    '@media (max-width: 560px)': { display: 'none' } },
  key: {
    fontFamily: tokens.fontFamilyBase, fontSize: tokens.fontSizeBase100, padding: '1px 6px',
    border: `1px solid ${tokens.colorNeutralStroke1}`, borderRadius: tokens.borderRadiusSmall,
    '@media (max-width: 640px)': { display: 'none' },
  },
})

export const PaletteButton = () => {
  const s = useStyles()
  const [open, setOpen] = useState(false)
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return
      event.preventDefault()
      setOpen((now) => !now)
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [])
  return (
    <>
      <Button className={s.button} icon={<SearchRegular />} onClick={() => setOpen(true)} aria-haspopup="dialog" aria-label="Go to a page, a server, an action"
        aria-keyshortcuts="Control+K">
        <span className={s.text}>Go to a page, a server, an action</span>
        <kbd className={s.key}>Ctrl K</kbd>
      </Button>
      {open && <Suspense><Palette onClose={() => setOpen(false)} /></Suspense>}
    </>
  )
}
