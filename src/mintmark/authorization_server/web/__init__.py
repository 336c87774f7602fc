"""What people see: pages, forms, cookies. Everything works without JavaScript."""
