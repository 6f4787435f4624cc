/** argv in, exit code out: the one place where the real things are made and handed down. */
