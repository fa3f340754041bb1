// The user's name, to be changed in place; and the badge that stands for any user.

interface UserNameProps {
  readonly user: string
  readonly onRename: (name: string) => void
}

export const UserName = ({ user, onRename }: UserNameProps) => (
  <span className="user">
    <Badge user={user} />
    <input
      aria-label="Your name"
      title="Your name, shown beside what you change"
      data-testid="user-name"
      defaultValue={user}
      maxLength={40}
      onBlur={({ target }) => {
        if (target.value.trim() === '') target.value = user
        onRename(target.value)
      }}
      onKeyDown={({ key, currentTarget }) => {
        if (key === 'Escape') currentTarget.value = user
        if (key === 'Enter' || key === 'Escape') currentTarget.blur()
      }}
    />
  </span>
)

/** A user's initials, in a colour that is the same wherever the name is. */
export const Badge = ({ user }: { readonly user: string }) => (
  <span className="badge" style={{ '--hue': hueOf(user) }} aria-hidden="true">
    {initialsOf(user)}
  </span>
)

const initialsOf = (user: string): string =>
  user
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => [...word][0]?.toUpperCase())
    .join('')

const hueOf = (user: string): number =>
  [...user].reduce((hue, letter) => (hue * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7)

declare module 'react' {
  interface CSSProperties {
    '--hue'?: number
  }
}
