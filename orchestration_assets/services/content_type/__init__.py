"""Services for the task ``content_type``: what kind of file is this?"""
