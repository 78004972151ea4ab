export function DiffPage() {
  return <article className="page diff" />;
}
