using MambaExt.Distill.Training;
using MambaExt.Training;
using Spectre.Console;

namespace MambaExt.Cli;

/// <summary>Progress of distillation on standard error, and its tables.</summary>
internal sealed class DistillProgressView(int parts, TextWriter error)
{
    private int _done;

    public void Epoch(DistillKey key, EpochReport e)
    {
        if (e.Validation is { } validation)
        {
            error.WriteLine($"{Name(key)}, part {_done + 1} of {parts}, epoch {e.Epoch} of {e.Epochs}: loss {e.TrainLoss:f4}, held out {100 * validation.Score:f2}");
        }
    }

    public void Done(DistillKey key, DistillPart part)
    {
        _done++;
        if (!part.trained)
        {
            return;
        }

        string kept = part.kept ? "" : ", not kept";
        error.WriteLine(part.evaluation is { } test
            ? $"{Name(key)}: test, teacher {test.teacher.accuracy:f2}, prefixes {string.Join(' ', test.prefixes.Select(p => p.scores.accuracy.ToString("f2")))}"
            : $"{Name(key)} ({part.size}): held out {part.held_out?.accuracy:f2}, {part.epochs} epochs in {part.seconds:f1} s{kept}");
    }

    /// <summary>A row a prefix, teacher first.</summary>
    public static void Table(DistillResult result)
    {
        int seeds = result.test_reads;
        Console.WriteLine($"{result.dataset}, {result.variant}, mode {result.mode}: test accuracy in percent, {(seeds == 1 ? "1 seed" : $"mean ± deviation of {seeds} seeds")}; {result.flops_convention}");
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("model");
        foreach (string name in new[] { "accuracy", "FLOPs", "% of teacher", "parameters", "alone", "no teacher", "weight", "b1 us", "b64 us" })
        {
            table.AddColumn(new TableColumn(name).RightAligned());
        }

        table.AddRow("teacher " + result.teacher.size, Score(result.teacher.accuracy, result.teacher.accuracy_std), $"{result.teacher.flops:n0}", "100.0", $"{result.teacher.parameters:n0}", "", "", "", $"{result.teacher.latency_b1_us:f0}", $"{result.teacher.latency_b64_us:f0}");
        foreach (PrefixResult p in result.prefixes)
        {
            table.AddRow(
                $"{p.students}: + {p.size}", Score(p.accuracy, p.accuracy_std), $"{p.flops:n0}", $"{100 * p.flops_fraction:f1}", $"{p.parameters:n0}", Score(p.solo_accuracy, p.solo_accuracy_std),
                p.without_teacher_accuracy is { } without ? Score(without, p.without_teacher_accuracy_std) : "", $"{p.weight:f2}", $"{p.latency_b1_us:f0}", $"{p.latency_b64_us:f0}");
        }

        if (result.single_student is { } single)
        {
            table.AddRow($"one student {single.size}", Score(single.accuracy, single.accuracy_std), $"{single.flops:n0}", $"{100 * single.flops_fraction:f1}", $"{single.parameters:n0}", "", "", "", $"{single.latency_b1_us:f0}", $"{single.latency_b64_us:f0}");
        }

        TablePrinter.Print(table);
        Console.WriteLine($"times: medians on {result.latency_threads} thread(s); result.json has them on one thread and on {Environment.ProcessorCount}");
        foreach (var exit in result.early_exit)
        {
            Console.WriteLine($"early exit at confidence {exit.theta:f3}: {exit.accuracy:f2} at a mean of {exit.mean_flops:n0} FLOPs ({100 * exit.mean_flops / result.teacher.flops:f1} % of the teacher)");
        }

        Console.WriteLine($"right at some prefix and wrong at a later one: {result.right_then_wrong:f2} % of the test images");
    }

    private static string Name(DistillKey key) => $"seed {key.Seed}, {key.Part}{(key.Student > 0 ? $" {key.Student}" : "")}{(key.Try > 0 ? $", try {key.Try + 1}" : "")}";

    private static string Score(double mean, double? deviation) => deviation is null ? $"{mean:f2}" : $"{mean:f2} ± {deviation:f2}";
}
