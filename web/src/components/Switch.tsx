/* One choice of a few, all of them in sight. */

interface Props<V extends string> {
  legend: string;
  name: string;
  options: readonly { value: V; label: string }[];
  value: V;
  onChange: (value: V) => void;
}

export function Switch<V extends string>({ legend, name, options, value, onChange }: Props<V>) {
  return (
    <fieldset className="switch">
      <legend>{legend}</legend>
      <div>
        {options.map((one) => (
          <label key={one.value}>
            <input type="radio" name={name} checked={one.value === value} onChange={() => onChange(one.value)} />
            <span>{one.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
