export function TokensPage() {
  return <article className="page tokens" />;
}
