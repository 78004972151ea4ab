interface Props {
  label: string;
  /** How many of them are ticked. */
  ticked: number;
  of: number;
  onChange: (isTicked: boolean, isRange: boolean) => void;
}

/** A box for one or for many, half ticked where only some are. With Shift held it speaks for a range. */
export function Tick({ label, ticked, of, onChange }: Props) {
  return (
    <input
      type="checkbox"
      aria-label={label}
      disabled={of === 0}
      checked={of > 0 && ticked === of}
      ref={(box) => {
        if (box) box.indeterminate = ticked > 0 && ticked < of;
      }}
      onChange={(event) => onChange(event.target.checked, (event.nativeEvent as unknown as MouseEvent).shiftKey)}
    />
  );
}
