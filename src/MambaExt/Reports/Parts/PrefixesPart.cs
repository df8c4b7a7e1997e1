using System.Text.Json;

namespace MambaExt.Reports.Parts;

/// <summary>Accuracy against what an answer costs, for results that have prefixes of models: in FLOPs of the teacher, and in measured time.</summary>
internal static class PrefixesPart
{
    public static void Write(Html html, RunRecord run)
    {
        if (run.Result is not { } result || result.Items("prefixes") is not { Count: > 0 } prefixes || result.Key("teacher") is not { } teacher)
        {
            return;
        }

        using (html.Section("Accuracy at every budget"))
        {
            using (html.Open("figure", ("class", "wide")))
            {
                Flops(result, teacher, prefixes).Write(html);
            }

            using (html.Open("figure", ("class", "wide")))
            {
                Times(result, teacher, prefixes).Write(html);
            }

            // A thread a processor: the last that were measured, where one is not all there is.
            if (At(prefixes[0], 1, first: false) is { } most && most.Number("threads") is > 1 and { } threads)
            {
                using (html.Open("figure", ("class", "wide")))
                {
                    Threaded(result, teacher, prefixes, threads).Write(html);
                }
            }

            if (result.Text("flops_convention") is { } convention)
            {
                html.Element("p", $"FLOPs: {convention}.", ("class", "note"));
            }
        }
    }

    private static BudgetChart Flops(JsonElement result, JsonElement teacher, IReadOnlyList<JsonElement> prefixes)
    {
        double whole = teacher.Number("flops") ?? double.NaN;
        List<BudgetSeries> series =
        [
            new("prefixes of the students", [.. Points(prefixes, "flops_fraction", "accuracy", 100)], 0, Joined: true),
            new("each student alone", [.. Points(prefixes, "solo_flops", "solo_accuracy", 100 / whole)], 2),
            new("each student trained without a teacher", [.. Points(prefixes, "solo_flops", "without_teacher_accuracy", 100 / whole)], 1),
            new("the teacher", [new BudgetPoint("teacher", 100, teacher.Number("accuracy") ?? double.NaN, teacher.Number("accuracy_std"))], 3),
        ];
        if (result.Items("early_exit") is { Count: > 0 } exits)
        {
            series.Add(new(
                "early exit, thresholds from held-out images",
                [.. exits.Select(e => new BudgetPoint($"confidence {Figures.Any(e.Number("theta") ?? double.NaN)}", 100 / whole * (e.Number("mean_flops") ?? double.NaN), e.Number("accuracy") ?? double.NaN))], 2, Joined: true));
        }

        if (result.Key("single_student") is { } single)
        {
            series.Add(new("one student of the group's FLOPs", [new BudgetPoint("one student", 100 * (single.Number("flops_fraction") ?? double.NaN), single.Number("accuracy") ?? double.NaN, single.Number("accuracy_std"))], 1));
        }

        return new BudgetChart("Test accuracy against FLOPs", "FLOPs an image, % of the teacher", series);
    }

    private static BudgetChart Times(JsonElement result, JsonElement teacher, IReadOnlyList<JsonElement> prefixes)
    {
        List<BudgetSeries> series =
        [
            new("prefixes of the students, measured one after the other", [.. Points(prefixes, "latency_b1_us", "accuracy", 1)], 0, Joined: true),
            new("each student alone", [.. Points(prefixes, "solo_latency_b1_us", "solo_accuracy", 1)], 2),
            new("the teacher", [Point("teacher", teacher)], 3),
        ];
        if (result.Key("single_student") is { } single)
        {
            series.Add(new("one student of the group's FLOPs", [Point("one student", single)], 1));
        }

        return new BudgetChart("Accuracy against time of one image", "microseconds an image, batch 1", series);

        static BudgetPoint Point(string name, JsonElement model) => new(name, model.Number("latency_b1_us") ?? double.NaN, model.Number("accuracy") ?? double.NaN, model.Number("accuracy_std"));
    }

    /// <summary>One thread against one a processor, for a batch of 64, where threads have something to share.</summary>
    private static BudgetChart Threaded(JsonElement result, JsonElement teacher, IReadOnlyList<JsonElement> prefixes, double threads)
    {
        List<BudgetSeries> series =
        [
            new("prefixes, one thread", [.. Points(prefixes, first: true)], 0, Joined: true), new($"prefixes, {threads:0} threads", [.. Points(prefixes, first: false)], 2, Joined: true),
            new($"the teacher, one thread and {threads:0}", [.. Points([teacher], first: true), .. Points([teacher], first: false)], 3),
        ];
        if (result.Key("single_student") is { } single)
        {
            series.Add(new($"one student of the group's FLOPs, one thread and {threads:0}", [.. Points([single], first: true), .. Points([single], first: false)], 1));
        }

        return new BudgetChart("Accuracy against time of 64 images", "microseconds a batch of 64", series);

        static IEnumerable<BudgetPoint> Points(IReadOnlyList<JsonElement> models, bool first) => models.Select(m => new BudgetPoint(
            $"{m.Text("size")}, {At(m, 64, first)?.Number("threads")} thread(s)", At(m, 64, first)?.Number("median_us") ?? double.NaN, m.Number("accuracy") ?? double.NaN));
    }

    /// <summary>The times of a batch on the fewest or the most threads that were measured.</summary>
    private static JsonElement? At(JsonElement model, int batch, bool first)
    {
        JsonElement[] all = [.. model.Items("latency").Where(point => point.Number("batch") == batch)];
        return all.Length == 0 ? null : first ? all[0] : all[^1];
    }

    private static IEnumerable<BudgetPoint> Points(IReadOnlyList<JsonElement> prefixes, string across, string score, double factor) => prefixes.Select(p => new BudgetPoint(
        $"{p.Number("students")}: {p.Text("size")}", factor * (p.Number(across) ?? double.NaN), p.Number(score) ?? double.NaN, p.Number($"{score}_std")));
}
