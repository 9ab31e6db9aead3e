//! Examples of `cache-aside`; see the folders beside this file.
