// Fields that write with every keystroke and take in what others write, with the caret left where it is. Know no tables.
import { type KeyboardEvent, type RefObject, useLayoutEffect, useRef } from 'react'
import { formatDay, parseDay } from '../dates.ts'

interface TextFieldProps {
  readonly label: string
  readonly placeholder: string
  readonly value: string
  readonly onValue: (value: string) => void
  /** What Enter does in a text of one line; without it, the text may have several. */
  readonly onEnter?: (field: HTMLTextAreaElement) => void
}

/** Text that grows with what is in it. */
export const TextField = ({ label, placeholder, value, onValue, onEnter }: TextFieldProps) => {
  const field = useRef<HTMLTextAreaElement>(null)
  useShown(field, value)
  const leave = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === 'Escape') event.currentTarget.blur()
    if (event.key !== 'Enter' || onEnter === undefined || event.nativeEvent.isComposing) return
    event.preventDefault()
    onEnter(event.currentTarget)
  }
  return (
    <textarea
      ref={field}
      className="field"
      rows={1}
      aria-label={label}
      placeholder={placeholder}
      defaultValue={value}
      onChange={({ target }) => onValue(onEnter === undefined ? target.value : oneLine(target.value))}
      onKeyDown={leave}
    />
  )
}

/** Pasted text may have line breaks. */
const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ')

interface DayFieldProps {
  readonly label: string
  readonly value: Date | undefined
  readonly onValue: (value: Date | undefined) => void
}

/** A day, or none. */
export const DayField = ({ label, value, onValue }: DayFieldProps) => {
  const field = useRef<HTMLInputElement>(null)
  const text = formatDay(value)
  useShown(field, text)
  return (
    <input
      ref={field}
      type="date"
      className="field"
      aria-label={label}
      data-empty={value === undefined}
      defaultValue={text}
      max="9999-12-31"
      onChange={(event) => onValue(parseDay(event.target.value))}
    />
  )
}

/**
 * Shows a value in a field that React does not control: it would put back the old value after each keystroke, until the
 * table tells of the new one a microtask later, and the caret would jump to the end.
 */
const useShown = (field: RefObject<HTMLTextAreaElement | HTMLInputElement | null>, value: string): void =>
  useLayoutEffect(() => {
    const element = field.current
    if (element === null || element.value === value) return
    const { selectionStart, selectionEnd } = element
    element.value = value
    if (selectionStart !== null && document.activeElement === element)
      element.setSelectionRange(selectionStart, selectionEnd)
  }, [field, value])
