/*
 * Pipelines and their stages.  A stage is known by the pair of pipeline and status: 142 and 143 are in every pipeline.
 */
#include "account.h"

/* The "type" of the stage where leads wait to be accepted. */
enum {
	STATUS_TYPE_UNSORTED = 1
};

json_t *
account_pipeline(const struct account *account, int64_t id)
{
	return listed_get(account_pipelines(account), id);
}

json_t *
account_main_pipeline(const struct account *account)
{
	json_t *pipeline;
	size_t i;

	json_array_foreach(account_pipelines(account), i, pipeline) {
		if (json_is_true(json_object_get(pipeline, "is_main")))
			return pipeline;
	}
	return json_array_get(account_pipelines(account), 0);
}

json_t *
pipeline_status(const json_t *pipeline, int64_t status)
{
	return listed_get(json_object_get(pipeline, "statuses"), status);
}

json_t *
account_pipeline_with(const struct account *account, int64_t status)
{
	json_t *pipeline;
	size_t i;

	json_array_foreach(account_pipelines(account), i, pipeline) {
		if (pipeline_status(pipeline, status) != NULL)
			return pipeline;
	}
	return NULL;
}

json_t *
pipeline_first_status(const json_t *pipeline)
{
	json_t *status;
	size_t i;

	json_array_foreach(json_object_get(pipeline, "statuses"), i, status) {
		if (entity_integer(status, "type") != STATUS_TYPE_UNSORTED)
			return status;
	}
	return NULL;
}

bool
account_is_unsorted(const struct account *account, int64_t pipeline, int64_t status)
{
	const json_t *stage = pipeline_status(account_pipeline(account, pipeline), status);

	return entity_integer(stage, "type") == STATUS_TYPE_UNSORTED;
}
