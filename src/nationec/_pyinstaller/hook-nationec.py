"""Pack the sources too.

``IsolatedDll`` sends three of them to another Python, and an error names a field by the
docstring under it, which only the source has.
"""

module_collection_mode = "pyz+py"
