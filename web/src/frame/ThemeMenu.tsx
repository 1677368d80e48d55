import { Button, Menu, MenuItemRadio, MenuList, MenuPopover, MenuTrigger, Tooltip } from '@fluentui/react-components'
import { DarkThemeRegular } from '@fluentui/react-icons'
import { THEMES, type ThemeChoice, chooseTheme, themeChoice, themeNames } from './theme'

export const ThemeMenu = () => {
  const choice = themeChoice.use()
  return (
    <Menu checkedValues={{ theme: [choice] }}
      onCheckedValueChange={(_, data) => chooseTheme((data.checkedItems[0] ?? 'system') as ThemeChoice)}>
      <MenuTrigger disableButtonEnhancement>
        <Tooltip content="Theme" relationship="label">
          <Button appearance="subtle" icon={<DarkThemeRegular />} />
        </Tooltip>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {THEMES.map((one) => (
            <MenuItemRadio key={one} name="theme" value={one}>{themeNames[one]}</MenuItemRadio>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  )
}
