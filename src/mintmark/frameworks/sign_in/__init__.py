"""Sign-in for applications whose pages are made on the server, one module per framework. Import yours."""
