export function WorkersPage() {
  return <article className="page workers" />;
}
