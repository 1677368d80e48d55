// Links of the portal: they take a Path, and a plain click does not reload the page.
import { Link as FluentLink, type LinkProps } from '@fluentui/react-components'
import { useRouter } from '@tanstack/react-router'
import { type MouseEvent, type ReactNode, useCallback } from 'react'
import type { Path } from '../paths'

/** Goes to a path. */
export const useGo = () => {
  const router = useRouter()
  return useCallback((to: Path) => router.history.push(to), [router])
}

const plain = (event: MouseEvent) =>
  event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey

/** Attributes of an anchor that stays inside the portal. */
export const useAnchor = () => {
  const go = useGo()
  return (to: Path) => ({
    href: to as string,
    onClick: (event: MouseEvent) => {
      if (event.defaultPrevented || !plain(event)) return
      event.preventDefault()
      go(to)
    },
  })
}

export const Link = ({ to, children, ...rest }: { to: Path; children: ReactNode } & Omit<LinkProps, 'href' | 'as'>) => {
  const anchor = useAnchor()
  return (
    <FluentLink {...(rest as object)} {...anchor(to)}>
      {children}
    </FluentLink>
  )
}
