"""The service's interface as OpenAPI 3.1 and as a page, both made from the code.

`operations` is the table of the paths, `document` makes the document of it and of the typed bodies,
`page` makes a page of the document.
"""
