using Spectre.Console;

namespace MambaExt.Cli;

/// <summary>Writes a result table to the console, or whole to a file or pipe.</summary>
internal static class TablePrinter
{
    /// <summary>Columns where no terminal has a width: a row that wraps is hard to read by man or machine, and 80 are assumed there.</summary>
    private const int FileWidth = 200;

    public static void Print(Table table)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        console.Profile.Width = Math.Max(console.Profile.Width, Console.IsOutputRedirected ? FileWidth : 0);
        console.Write(table);
    }
}
