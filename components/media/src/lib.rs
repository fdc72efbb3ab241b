//! Media: attachments of messages, from their bytes to signed links.
