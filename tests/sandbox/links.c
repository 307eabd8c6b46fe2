/*
 * Which contacts belong to which leads: both sides are written together.
 */
#include "account.h"

static void
forget_lead(json_t *contact, int64_t lead)
{
	json_t *leads = json_object_get(contact, "~leads");

	for (size_t i = json_array_size(leads); i-- > 0;) {
		if (json_integer_value(json_array_get(leads, i)) == lead)
			json_array_remove(leads, i);
	}
}

static void
remember_lead(json_t *contact, int64_t lead)
{
	json_t *leads = json_object_get(contact, "~leads");

	if (contact == NULL)
		return;
	if (leads == NULL) {
		leads = json_array();
		json_object_set_new(contact, "~leads", leads);
	}
	forget_lead(contact, lead);
	json_array_append_new(leads, json_integer(lead));
}

void
account_link(struct account *account, json_t *lead, int64_t contact, bool is_main)
{
	json_t *links = json_object_get(lead, "~links"), *link;
	size_t i;

	if (links == NULL) {
		links = json_array();
		json_object_set_new(lead, "~links", links);
	}
	if (json_array_size(links) == 0)
		is_main = true;

	/* There is one main contact. */
	json_array_foreach(links, i, link) {
		if (is_main)
			json_object_set_new(link, "is_main", json_false());
	}

	link = listed_get(links, contact);
	if (link == NULL)
		json_array_append_new(links,
		    json_pack("{s:I, s:b}", "id", (json_int_t)contact, "is_main", (int)is_main));
	else if (is_main)
		json_object_set_new(link, "is_main", json_true());

	remember_lead(account_find(account, CONTACTS, contact), entity_id(lead));
	account_touch(account);
}

void
account_unlink(struct account *account, json_t *lead, int64_t contact)
{
	json_t *links = json_object_get(lead, "~links");

	for (size_t i = json_array_size(links); i-- > 0;) {
		if (entity_id(json_array_get(links, i)) == contact)
			json_array_remove(links, i);
	}
	forget_lead(account_find(account, CONTACTS, contact), entity_id(lead));
	account_touch(account);
}

bool
account_contact_unsorted(const struct account *account, const json_t *contact)
{
	bool unsorted = false;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(contact, "~leads"), i, item) {
		const json_t *lead = account_find(account, LEADS, json_integer_value(item));

		if (!account_is_unsorted(account, entity_integer(lead, "pipeline_id"),
			entity_integer(lead, "status_id")))
			return false;
		unsorted = true;
	}
	return unsorted;
}
