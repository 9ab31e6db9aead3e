//! Tests of `cache-aside` through its facade; see the folders beside this file.
