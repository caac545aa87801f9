"""The words a flow may say."""
