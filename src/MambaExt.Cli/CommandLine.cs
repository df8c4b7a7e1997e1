using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using System.Runtime.InteropServices;
using MambaExt.Cli.Commands;
using MambaExt.Kernels.Cuda;

namespace MambaExt.Cli;

/// <summary>Reads the arguments, runs a command, and turns whatever goes wrong into a sentence on standard error and an exit code.</summary>
internal static class CommandLine
{
    public const string Name = "mambaext";

    // What an interrupted command may take to come to a halt before it is stopped where it stands.
    private static readonly TimeSpan Halt = TimeSpan.FromSeconds(10);

    private static readonly Lazy<Command> Root = new(() => new Command(Name, "Selective state-space models (Mamba): graphs, and the kernels under them.")
    {
        new Command("graph", "Graph Mamba: node classification.") { GraphTrainCommand.Create(), GraphCompareCommand.Create(), GraphTokensCommand.Create(), GraphPredictCommand.Create() },
        new Command("fscil", "Few-shot class-incremental learning: a base session, then classes that come a few at a time with a few images each.") { FscilRunCommand.Create(several: false), FscilRunCommand.Create(several: true), FscilSplitCommand.Create(), FscilPredictCommand.Create() },
        new Command("distill", "Progressive distillation: a teacher, a ladder of Mamba students, an answer at any budget.") { DistillRunCommand.Create(), DistillCompareCommand.Create(), DistillPredictCommand.Create(), DistillInspectCommand.Create() },
        VerifyCommand.Create(),
        new Command("bench", "Speed and memory on this machine.") { BenchCommand.Create(), GraphBenchCommand.Create(), CommBenchCommand.Create() },
        DataCommands.Create(),
        ReportCommand.Create(),
        new HelpOption(),
        new VersionOption(),
    });

    public static async Task<int> RunAsync(params string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            ParseResult parsed = Parse(args);
            if (parsed.Errors.Count > 0)
            {
                WrongUse.Write(Root.Value, parsed, Console.Error);
                return ExitCode.WrongUse;
            }

            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = Halt });
        }
        catch (Exception e)
        {
            // The last stop of every exception: none may end a command with the run time's own dump and exit code.
            (int code, string text) = Explain(e);
            Console.Error.WriteLine(text);
            return code;
        }
    }

    /// <summary>Every command with its options.</summary>
    public static Command Tree => Root.Value;

    /// <summary>The arguments as the commands understand them.</summary>
    public static ParseResult Parse(params string[] args) => Root.Value.Parse(args);

    private static (int Code, string Text) Explain(Exception e) => e switch
    {
        InterruptedRunException => (ExitCode.Interrupted, e.Message),
        OperationCanceledException => (ExitCode.Interrupted, "Interrupted."),

        // An environment variable that nobody can make sense of is noticed where a static field first asks for it.
        TypeInitializationException when e.GetBaseException() is InvalidOperationException cause => (ExitCode.WrongUse, cause.Message),

        // TorchSharp's own text is a log of a page, about packages that a user of the command never sees.
        TypeInitializationException when e.GetBaseException() is NotSupportedException or DllNotFoundException =>
            (ExitCode.Failed, "libtorch was not found or does not load; name a folder with the libraries of libtorch 2.10 for this system in MAMBAEXT_LIBTORCH."),
        ArgumentException { ParamName: { } name } => (ExitCode.WrongUse, e.Message.Split($" (Parameter '{name}')")[0]),
        ArgumentException or DirectoryNotFoundException or FileNotFoundException => (ExitCode.WrongUse, e.Message),
        InvalidDataException or IOException or UnauthorizedAccessException or InvalidOperationException or NotSupportedException or CudaException => (ExitCode.Failed, e.Message),
        OutOfMemoryException => (ExitCode.Failed, $"There is not enough memory ({e.Message.TrimEnd('.')}); take a smaller model or data set."),
        ExternalException => (ExitCode.Failed, "libtorch: " + e.Message.Split('\n')[0]),
        _ => (ExitCode.Failed, $"This is a fault of {Name} itself; please report it with what follows.{Environment.NewLine}{e}"),
    };
}
