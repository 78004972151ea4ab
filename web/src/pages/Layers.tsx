export function LayersPage() {
  return <article className="page layers" />;
}
