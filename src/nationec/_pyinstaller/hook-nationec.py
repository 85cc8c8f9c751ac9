"""The sources go into the program too: ``IsolatedDll`` sends two of them elsewhere.

And an error names a field as the docstring under it does, which is in the source only.
"""

module_collection_mode = "pyz+py"
