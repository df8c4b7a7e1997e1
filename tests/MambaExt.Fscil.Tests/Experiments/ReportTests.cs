using System.Text.Json;
using System.Text.RegularExpressions;
using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Metrics;
using MambaExt.Fscil.Protocol;
using MambaExt.Reports;
using MambaExt.Tests.Shared;

namespace MambaExt.Fscil.Tests.Experiments;

/// <summary>What the report of a run shows of its sessions.</summary>
public sealed partial class ReportTests
{
    [Fact]
    public void A_hundred_classes_have_a_picture_of_their_confusion_and_sessions_their_matrix_and_costs()
    {
        // 80 + 2 x 10 classes of 2 test images. In the end class 0 is once called 99, and all of class 90 is called 91.
        FscilSession[] sessions = [new(0, 0, 80, [0], Images(0, 80)), new(1, 80, 10, [0], Images(80, 90)), new(2, 90, 10, [0], Images(90, 100))];
        var protocol = new FscilProtocol("hand", [.. Enumerable.Range(0, 100)], 100, sessions);
        int[] truth = [.. Enumerable.Range(0, 200).Select(i => i / 2)], last = [.. truth.Select((k, i) => i == 0 ? 99 : k == 90 ? 91 : k)];
        FscilScores scores = FscilScores.Of(protocol, [(truth[..160], truth[..160]), (truth[..180], [.. truth[..178], 0, 0]), (truth, last)]);
        var run = new FscilRun("teen", 0, scores, null, 0, 0, 0, 0, 0) { costs = [new(0, 1.25, 5_000_000), new(1, 2.5, 6_000_000), new(2, 3.75, 7_000_000)] };
        var result = new FscilResult("x", "own", "teen", [0], scores.sessions, scores.average, scores.drop, scores.harmonic_mean, null, null, scores.harmonic_last, 0, 0, 0, [run], 0, "");

        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), "{}");
        File.WriteAllText(folder.File("result.json"), JsonSerializer.Serialize(new { results = new[] { result }, paired = new[] { new PairedDifference("nc-fscil", "teen", 3, -1.5, 0.25, 2, 0.5) } }));
        string page = folder.File("report.html");
        RunReport.Write([folder.Path], page);
        string text = File.ReadAllText(page);

        // 100 classes on the diagonal less class 90, which has none there, and two cells beside it.
        Assert.Equal(101, Cells().Count(text));
        string[] shades = [.. Cells().Matches(text).Select(m => m.Groups[1].Value)];
        Assert.Equal((99, 2), (shades.Count(s => s == "1"), shades.Count(s => s == "0.55")));
        Assert.Contains("x=\"406\" y=\"26\"", text, StringComparison.Ordinal);
        Assert.Contains("The lines part the 80 base classes", text, StringComparison.Ordinal);

        // The cells of a row one behind another: session 1 as it was learned, and at the end; what the sessions cost.
        Assert.Equal(["1", "100.00", "90.00"], Row("accuracy on the classes of each session (columns)", 1)[..3]);
        Assert.Equal(["2", "99.38", "100.00", "90.00"], Row("accuracy on the classes of each session (columns)", 2));
        Assert.Equal(["2", "100", "98.50", "99.38", "95.00", "100.00", "90.00", "97.14", "3.8", "7 MB"], Row("accuracy by session", 2));
        Assert.Equal(["nc-fscil", "-1.50", "0.25", "2.00", "0.50", "3"], Row("Less teen, seed by seed", 0));

        string[] Row(string caption, int row)
        {
            string table = text[text.IndexOf(caption, StringComparison.Ordinal)..];
            string body = table[table.IndexOf("<tbody>", StringComparison.Ordinal)..table.IndexOf("</tbody>", StringComparison.Ordinal)];
            return [.. Cell().Matches(body.Split("<tr")[row + 1]).Select(m => m.Groups[1].Value)];
        }

        static int[] Images(int from, int to) => [.. Enumerable.Range(2 * from, 2 * (to - from))];
    }

    [GeneratedRegex("<rect [^>]*fill-opacity=\"([^\"]*)\"")]
    private static partial Regex Cells();

    [GeneratedRegex("<t[hd][^>]*>([^<]*)<")]
    private static partial Regex Cell();
}
