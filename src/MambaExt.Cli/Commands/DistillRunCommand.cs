using System.CommandLine;
using System.Text.Json.Nodes;
using MambaExt.Data.Images;
using MambaExt.Distill.Training;
using MambaExt.Distributed;
using MambaExt.Reports;
using MambaExt.Runs;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext distill run</c>: a teacher, its students, and what they are measured against.</summary>
internal static class DistillRunCommand
{
    private const string Name = "distill run";
    private static readonly DistillDataOptions Data = new();
    private static readonly Option<int> Seeds = CommonOptions.Number("--seeds", "N", "How many seeds.", 1, 1000);
    private static readonly Option<int> FirstSeed = CommonOptions.FirstSeed();
    private static readonly Option<string?> Out = CommonOptions.Folder("--out", "Run folder (default: a new one below ./runs).");
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Seeds.DefaultValueFactory = _ => 1;
        var command = new Command("run", "Train a teacher and distil it into students, one after the other; report accuracy against FLOPs and latency at every prefix. The options from --mode on change the recipe of the data set.");
        foreach (Option option in Data.All.Concat([Seeds, FirstSeed, Out, RunSession.ResumeOption, RunSession.CheckpointOption, RunSession.DeterministicOption, Threads, Json]).Concat(DistillRecipeOptions.All))
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            RunSession.RefuseBesideResume(result, Json);
            DistillRecipeOptions.Check(result);
            if (result.GetResult(RunSession.ResumeOption) is null)
            {
                Data.Check(result);
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        using ICommunicator ranks = Communicators.FromEnvironment();
        if (ranks.Size > 1)
        {
            throw new ArgumentException($"{Name} runs in one process and was started in {ranks.Size}: a student waits for the one before it; start it without mpirun, or one run a seed.");
        }

        ParseResult arguments = RunSession.Arguments(parsed);
        RunSession.UseThreads(parsed, arguments, Threads);
        ImageDataSet data = Data.Load(arguments);
        DistillTask task = Prepare(data, arguments);
        int seeds = arguments.GetValue(Seeds), first = arguments.GetValue(FirstSeed);
        TeacherSource.Require(task, Enumerable.Range(first, seeds));
        JsonObject config = RunSession.Config(arguments, Name, [.. Data.Paths, DistillRecipeOptions.TeacherFrom], ranks);
        foreach (var (key, value) in DistillRuns.Describe(task, first, seeds))
        {
            config[key] = value?.DeepClone();
        }

        using RunSession session = RunSession.Open(parsed, Name, config, arguments.GetValue(Out) ?? RunFolder.NewPath("runs", $"distill-{data.Name}"), ranks);
        Console.Error.WriteLine(data.Summary);
        DistillResult result = session.Guard(() => DistillRuns.Execute(session, task, seeds, first, arguments.GetValue(RunSession.CheckpointOption), token));
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(result);
        }
        else
        {
            DistillProgressView.Table(result);
            Console.WriteLine($"Run: {session.Path}");
            Console.WriteLine($"Report: {Path.Combine(session.Path, RunReport.FileName)}");
        }

        return ExitCode.Done;
    }

    /// <summary>The data cut up as its recipe says, with what the command line changes.</summary>
    private static DistillTask Prepare(ImageDataSet data, ParseResult arguments) => DistillTask.Prepare(data, DistillRecipeOptions.Apply(arguments, DistillRecipes.For(data)));
}
