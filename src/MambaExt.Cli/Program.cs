using System.CommandLine;
using System.Globalization;
using MambaExt.Cli;
using MambaExt.Cli.Commands;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var root = new RootCommand("Selective state-space models (Mamba): graphs, and the kernels under them")
{
    VerifyCommand.Create(),
    new Command("graph", "Graph Mamba: node classification") { GraphTrainCommand.Create() },
    BenchCommand.Create(),
};
ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    // System.CommandLine prints each error as a sentence, with a suggestion, and the usage.
    parsed.Invoke();
    return ExitCode.WrongUse;
}

try
{
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Interrupted.");
    return ExitCode.Interrupted;
}
catch (Exception e) when (e is ArgumentException or DirectoryNotFoundException or FileNotFoundException)
{
    Console.Error.WriteLine(e.Message);
    return ExitCode.WrongUse;
}
catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or InvalidOperationException or NotSupportedException)
{
    Console.Error.WriteLine(e.Message);
    return ExitCode.Failed;
}
