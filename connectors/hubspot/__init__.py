"""HubSpot as the CRM: order records, call tasks, mails on the timeline, and what reps do with them."""
