"""Reports: what is found out, as one HTML file and as Markdown with its figures beside it."""
