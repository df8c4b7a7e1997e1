using System.Text.Json;

namespace MambaExt.Reports.Parts;

/// <summary>Every option with its value, the data files, and the environment.</summary>
internal static class SettingsPart
{
    private static readonly string[] Environment =
        ["threads", "vector_bits", "version", "runtime", "libtorch", "torch", "os", "machine", "processor", "processors", "device", "cuda", "gpu", "environment", "deterministic"];

    public static void Write(Html html, RunRecord run)
    {
        if (run.Config is not { } config)
        {
            return;
        }

        (string Name, JsonElement Value)[] leaves = [.. config.Leaves()];
        using (html.Section("Configuration"))
        {
            Fold(html, "All options", Options("Options of config.json", leaves.Where(leaf => !IsEnvironment(leaf.Name) && leaf.Name != "files")));
            JsonElement[] files = [.. config.Items("files").Where(file => file.ValueKind == JsonValueKind.Object)];
            if (files.Length > 0)
            {
                Fold(html, "Data files", Objects("Files that were read", files));
            }

            Fold(html, "Environment", Options("Versions and machine", leaves.Where(leaf => IsEnvironment(leaf.Name))));
        }
    }

    /// <summary>A row an object, a column a value: an object within it spreads over columns of its own, and a list too long for a cell is counted.</summary>
    public static HtmlTable Objects(string caption, IReadOnlyList<JsonElement> objects)
    {
        const int MostColumns = 30;
        Dictionary<string, JsonElement>[] rows = [.. objects.Select(Row)];
        string[] keys = [.. rows.Take(HtmlTable.MostRows).SelectMany(row => row).Where(leaf => leaf.Value.ValueKind != JsonValueKind.Null).Select(leaf => leaf.Key).Distinct().Take(MostColumns)];
        bool IsNumber(string key) => rows.All(row => !row.TryGetValue(key, out JsonElement value) || value.ValueKind == JsonValueKind.Null || value.Number() is not null);
        var table = new HtmlTable(caption, [.. keys.Select(key => Figures.Short(ScoresPart.Capital(key.Replace('_', ' ').Replace('.', ' ')), 60))])
        {
            Words = keys.Index().Where(k => !IsNumber(k.Item)).Select(k => k.Index).ToHashSet(),
        };
        table.Rows.AddRange(rows.Select(row => (string[])[.. keys.Select(key => row.TryGetValue(key, out JsonElement value) ? Cell(value) : Figures.Absent)]));
        return table;

        static Dictionary<string, JsonElement> Row(JsonElement one)
        {
            var row = new Dictionary<string, JsonElement>();
            foreach (var (name, value) in one.Leaves())
            {
                row[name] = value;
            }

            return row;
        }
    }

    private static string Cell(JsonElement value)
    {
        const int MostItems = 8;
        return value.ValueKind == JsonValueKind.Array && (value.GetArrayLength() > MostItems || value.EnumerateArray().Any(item => item.ValueKind is JsonValueKind.Array or JsonValueKind.Object))
            ? $"{value.GetArrayLength()} entries"
            : value.Shown();
    }

    private static bool IsEnvironment(string name) => Environment.Contains(name.Split('.')[0]);

    private static HtmlTable Options(string caption, IEnumerable<(string Name, JsonElement Value)> leaves)
    {
        var table = new HtmlTable(caption, ["Option", "Value"]) { RowClass = "option", Words = new HashSet<int> { 1 } };
        table.Rows.AddRange(leaves.Select(leaf => (string[])[leaf.Name, leaf.Value.Shown()]));
        return table;
    }

    private static void Fold(Html html, string title, HtmlTable table)
    {
        if (table.Rows.Count > 0)
        {
            using (html.Open("details"))
            {
                html.Element("summary", title);
                table.Write(html);
            }
        }
    }
}
