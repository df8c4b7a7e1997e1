using System.Text.Json;

namespace MambaExt.Reports.Parts;

/// <summary>Results of other commands, in tables: their numbers, and each list of objects such as sessions.</summary>
internal static class OtherResultsPart
{
    public static void Write(Html html, RunRecord run)
    {
        if (run.Models.Count > 0 || SessionsPart.Shows(run) || run.Result is not { } result)
        {
            return;
        }

        var (lists, numbers) = (new List<(string Name, JsonElement[] Items)>(), new HtmlTable("Result", ["", "Value"]));
        foreach (var (name, value) in result.Leaves())
        {
            if (value.Number() is not null)
            {
                numbers.Rows.Add([name.Replace('_', ' '), value.Shown()]);
            }
            else if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Object) && value.GetArrayLength() > 0)
            {
                lists.Add((name, [.. value.EnumerateArray()]));
            }
        }

        if (lists.Count + numbers.Rows.Count == 0)
        {
            return;
        }

        using (html.Section("Results"))
        {
            if (numbers.Rows.Count > 0)
            {
                numbers.Write(html);
            }

            foreach (var (name, items) in lists.Take(20))
            {
                SettingsPart.Objects(ScoresPart.Capital(name.Replace('_', ' ')), items).Write(html);
            }
        }
    }
}
