// What the system knows for the day's sitrep.
import { call } from "./api.js";

/** The figures of the day: the system counts, the officer writes the narrative. */
export async function sitrepFigures(groupId) {
  try {
    const { day, coverage, questions, messages, seizures } = await call("GET", `/groups/${groupId}/situation`);
    const inState = (state) => coverage.filter((row) => row.state === state).map((row) => row.country);
    return {
      day: day.date,
      warnings_sent: questions.warning.sent,
      warnings_open: questions.warning.open,
      warnings_overdue: questions.warning.overdue,
      feedback_received: messages.feedback ?? 0,
      seizures_reported: seizures.reports,
      cases_reported: seizures.cases,
      nil_returns: inState("nil").length,
      countries_reporting: inState("reported"),
      countries_silent: inState("silent"),
    };
  } catch {
    return {};
  }
}
