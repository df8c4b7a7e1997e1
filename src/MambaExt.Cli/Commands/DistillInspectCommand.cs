using System.CommandLine;
using MambaExt.Distill.Accounting;
using MambaExt.Distill.Inference;
using MambaExt.Distill.Students;
using MambaExt.Distill.Training;
using Spectre.Console;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext distill inspect</c>: layers, parameters, FLOPs and latency of a group or of one model.</summary>
internal static class DistillInspectCommand
{
    private static readonly Option<string?> Model = CommonOptions.Folder("--model", "A model folder (RUN/models/group, RUN/models/seed-0/teacher), or a run folder with a group.");
    private static readonly Option<string?> Size = new("--size") { Description = "Instead of a model: patch x d_model x d_state x blocks of one that is not trained.", HelpName = "PxDxNxB" };
    private static readonly Option<string> Image = new("--image") { Description = "With --size: channels x height x width of an image.", HelpName = "CxHxW", DefaultValueFactory = _ => "1x28x28" };
    private static readonly Option<string> Scan = CommonOptions.Choice("--scan", "With --size: how patches are read.", ScanKind.All);
    private static readonly Option<int> Rounds = CommonOptions.Number("--rounds", "N", "Calls that are timed.", 50, 100_000);
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Rounds.DefaultValueFactory = _ => 200;
        Scan.DefaultValueFactory = _ => ScanKind.Forward;
        var command = new Command("inspect", "Layers, parameters, FLOPs and latency of a group of students or of one model.") { Model, Size, Image, Scan, Rounds, Threads, Json };
        command.Validators.Add(result =>
        {
            bool model = result.GetResult(Model) is not null, size = result.GetResult(Size) is not null;
            if (model == size)
            {
                result.AddError(model ? "--model and --size were given; give one of the two." : "Neither --model nor --size was given; give a model folder, or a size as 14x12x8x1.");
            }
            else if (model && (result.GetResult(Image) is { Implicit: false } || result.GetResult(Scan) is { Implicit: false }))
            {
                result.AddError("--image and --scan describe a model by --size and --model names one; leave them out.");
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed), token));
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        Threads.Use(parsed);
        using StudentGroup group = parsed.GetValue(Model) is { } folder ? DistillModels.Load(folder).Group : Made(parsed);
        int rounds = parsed.GetValue(Rounds);
        IReadOnlyList<Latency> one = GroupLatency.Of(group, 1, rounds), many = GroupLatency.Of(group, 64, rounds);
        var students = group.About.students.Select((o, t) => new
        {
            size = o.Size, scan = o.scan, tokens = o.Tokens, reuse = o.reuse, fused = FusedStudent.Takes(o),
            layers = FlopCount.Layers(o),
            total = FlopCount.Total(o),
            prefix_flops = group.Flops[t],
            prefix_parameters = group.ParametersOf(t + 1),
            teacher_fraction = group.About.teacher_flops is { } whole ? (double?)group.Flops[t] / whole : null,
            latency_b1_us = one[t].median_us, latency_b1_p95_us = one[t].p95_us, latency_b64_us = many[t].median_us, latency_b64_p95_us = many[t].p95_us,
        }).ToArray();
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(new { flops_convention = FlopCount.Convention, field_convention = FlopCount.FieldConvention, threads = Compute.Threads, rounds, students });
            return ExitCode.Done;
        }

        Console.WriteLine($"FLOPs: {FlopCount.Convention}; field: {FlopCount.FieldConvention}");
        foreach (var (i, student) in students.Index())
        {
            Console.WriteLine($"student {i + 1}: {student.size}, scan {student.scan}, {student.tokens} tokens{(student.reuse > 0 ? $", reads {student.reuse} values of the one before" : "")}{(student.fused ? "" : ", not fused")}");
            Table table = Columns("layer", "parameters", "FLOPs", "field");
            foreach (LayerCost layer in student.layers.Append(student.total with { name = "all" }))
            {
                table.AddRow(layer.name, $"{layer.parameters:n0}", $"{layer.flops:n0}", $"{layer.field_flops:n0}");
            }

            TablePrinter.Print(table);
        }

        Console.WriteLine($"Prefixes, {Compute.Threads} thread(s), {rounds} rounds, median (95th percentile):");
        Table prefixes = Columns("prefix", "FLOPs", "% of teacher", "parameters", "batch 1, us", "batch 64, us");
        foreach (var (i, s) in students.Index())
        {
            prefixes.AddRow(
                $"{i + 1}", $"{s.prefix_flops:n0}", s.teacher_fraction is { } share ? $"{100 * share:f1}" : "", $"{s.prefix_parameters:n0}", $"{s.latency_b1_us:f0} ({s.latency_b1_p95_us:f0})",
                $"{s.latency_b64_us:f0} ({s.latency_b64_p95_us:f0})");
        }

        TablePrinter.Print(prefixes);
        return ExitCode.Done;
    }

    private static StudentGroup Made(ParseResult parsed)
    {
        string given = parsed.GetValue(Image)!;
        int[] image = [.. given.Split('x').Select(n => int.TryParse(n, out int v) ? v : 0)];
        if (image.Length != 3 || image.Any(n => n < 1))
        {
            throw new ArgumentException($"--image is '{given}'; give channels, height and width as 1x28x28.");
        }

        using var model = new PatchMamba(new PatchMambaOptions { channels = image[0], height = image[1], width = image[2], scan = parsed.GetValue(Scan)! }.WithSize(parsed.GetValue(Size)!));
        return GroupFolder.OfOne(model);
    }

    private static Table Columns(string first, params string[] others)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn(first);
        foreach (string name in others)
        {
            table.AddColumn(new TableColumn(name).RightAligned());
        }

        return table;
    }
}
